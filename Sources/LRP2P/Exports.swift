// Users of a socket meet the core's currency types: addresses, statistics, roles, close reasons.
@_exported import LRP2PCore
