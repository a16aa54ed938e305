// Command toxiproxy runs Shopify's proxy of faults, with its API on a free port.
//
// It prints one line of JSON and serves until stdin is closed or SIGTERM arrives.
package main

import (
	"log"
	"net"
	"net/http"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	zerologs "github.com/rs/zerolog/log"

	"nfclease-peers/internal/peer"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("toxiproxy: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	zerologs.Logger = zerolog.Nop() // the toxics use this one
	metrics := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	server := toxiproxy.NewServer(metrics, zerologs.Logger)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { log.Fatal(http.Serve(listener, server.Routes())) }()
	if err := peer.Announce(map[string]any{"api": listener.Addr().String()}); err != nil {
		return err
	}
	peer.WaitForEnd()
	return nil
}
