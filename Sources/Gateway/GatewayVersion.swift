/// The version of this build: told by `--version`, `GET /v1/node` and `lrp2p_build_info`.
public enum GatewayVersion {
    public static let current = "0.1.0"
}
