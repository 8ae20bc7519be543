#!/usr/bin/env python3
"""Receives what a peer sends on one connection into a file. Killed at any moment and started again
it goes on where it was:

    LRP2P_TOKEN=... receive.py http://127.0.0.1:8080/v1/connections/ID FILE

The gateway keeps the state: bytes it was told are safe in FILE do not come again, all others do,
and are written to the same place. 429, 5xx and a gateway that is away are waited out.
"""
import http.client, os, sys, time, urllib.error, urllib.request

token = os.environ.get("LRP2P_TOKEN")
headers = {"Authorization": "Bearer " + token} if token else {}

def get(url):
    while True:
        pause = 1
        try:
            try:
                request = urllib.request.Request(url, headers=headers)
                answer = urllib.request.urlopen(request, timeout=90)
            except urllib.error.HTTPError as error:
                answer = error
            body = answer.read()
            if answer.status < 300:
                return answer.headers, body
            if answer.status < 500 and answer.status != 429:
                sys.exit(body.decode())
            print(body.decode(), file=sys.stderr)
            pause = int(answer.headers["Retry-After"] or 1)
        except (OSError, http.client.HTTPException) as error:
            print(error, file=sys.stderr)
        time.sleep(pause)

url, path = sys.argv[1:]
file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
acknowledge, is_end = "", False
while not is_end:
    head, data = get(f"{url}/data?wait=30s{acknowledge}")
    position = int(head["Offset"].split("-")[1])  # <epoch>-<position>
    if os.fstat(file).st_size < position:
        sys.exit(f"{path} lacks bytes that were acknowledged")
    if os.pwrite(file, data, position) < len(data):
        sys.exit(f"{path}: the disk is full")
    os.fsync(file)
    acknowledge = "&ack=" + head["Next-Offset"]
    is_end = not data and head["Stream-Closed"]
os.ftruncate(file, position)
if not head["Stream-Finished"]:
    sys.exit("The stream was cut off: " + get(url)[1].decode())
