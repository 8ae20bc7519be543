// Receives what a peer sends on one connection into a file. Killed at any moment and started again
// it goes on where it was:
//
//	LRP2P_TOKEN=... go run receive.go http://127.0.0.1:8080/v1/connections/ID FILE
//
// The gateway keeps the state: bytes it was told are safe in FILE do not come again, all others do,
// and are written to the same place. 429, 5xx and a gateway that is away are waited out.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func get(url string) (http.Header, []byte) {
	request, err := http.NewRequest("GET", url, nil)
	check(err)
	if token := os.Getenv("LRP2P_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for client := (http.Client{Timeout: 90 * time.Second}); ; time.Sleep(time.Second) {
		answer, err := client.Do(request)
		if err != nil {
			log.Print(err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			log.Print(err)
		} else if answer.StatusCode < 300 {
			return answer.Header, body
		} else if answer.StatusCode < 500 && answer.StatusCode != 429 {
			log.Fatalf("%s", body)
		} else {
			log.Printf("%s", body)
			pause, _ := time.ParseDuration(answer.Header.Get("Retry-After") + "s")
			time.Sleep(pause)
		}
	}
}

func main() {
	url, path := os.Args[1], os.Args[2]
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	check(err)
	var epoch string
	var position int64
	var head http.Header
	for acknowledge, isEnd := "", false; !isEnd; {
		var data []byte
		head, data = get(url + "/data?wait=30s" + acknowledge)
		_, err := fmt.Sscanf(head.Get("Offset"), "%8s-%d", &epoch, &position)
		check(err)
		size, err := file.Seek(0, io.SeekEnd)
		check(err)
		if size < position {
			log.Fatal(path, " lacks bytes that were acknowledged")
		}
		_, err = file.WriteAt(data, position)
		check(err)
		check(file.Sync())
		acknowledge = "&ack=" + head.Get("Next-Offset")
		isEnd = len(data) == 0 && head.Get("Stream-Closed") != ""
	}
	check(file.Truncate(position))
	if head.Get("Stream-Finished") == "" {
		_, connection := get(url)
		log.Fatalf("the stream was cut off: %s", connection)
	}
}
