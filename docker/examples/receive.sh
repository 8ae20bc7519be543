#!/usr/bin/env bash
# Receives what a peer sends on one connection into a file. Killed at any moment and started again
# it goes on where it was:
#
#     LRP2P_TOKEN=... receive.sh http://127.0.0.1:8080/v1/connections/ID FILE
#
# The gateway keeps the state: bytes it was told are safe in FILE do not come again, all others do,
# and are written to the same place. 429, 5xx and a gateway that is away are waited out.
set -euo pipefail
url=$1 file=$2 acknowledge=
touch "$file"
# The body has a file without a name: a curl that outlives a killed shell disturbs nobody.
body=$(mktemp) && exec 3<>"$body" && rm "$body" && body=/dev/fd/3
form='%{http_code},%header{offset},%header{next-offset},%header{stream-closed}'
form+=',%header{stream-finished},%header{retry-after}'

get() {
    while :; do
        pause=1
        if answer=$(curl -sS --max-time 90 -o "$body" -w "$form" "$1" \
            -H @<(echo "${LRP2P_TOKEN:+Authorization: Bearer $LRP2P_TOKEN}")); then
            IFS=, read -r status offset next closed finished pause <<<"$answer"
            case $status in
                2*) return ;;
                429 | 5*) cat "$body" >&2 ;;
                *) cat "$body" >&2; exit 1 ;;
            esac
        fi
        sleep "${pause:-1}"
    done
}

while get "$url/data?wait=30s$acknowledge"; do
    position=${offset#*-} # <epoch>-<position>
    size=$(stat -c %s "$file")
    [ "$size" -ge "$position" ] || { echo "$file lacks bytes that were acknowledged" >&2; exit 1; }
    [ "$status$closed" != 204true ] || break
    [ "$status" = 200 ] || continue
    dd if="$body" of="$file" bs=1M oflag=seek_bytes seek="$position" conv=notrunc,fsync status=none
    acknowledge="&ack=$next"
done
truncate -s "$position" "$file"
[ -n "$finished" ] || { echo "The stream was cut off:" >&2; get "$url"; cat "$body" >&2; exit 1; }
