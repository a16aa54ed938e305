// Command vcsim runs govmomi's vCenter simulator with disks that can be exported.
//
// It prints one line of JSON and serves until stdin is closed or SIGTERM arrives.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"math/rand"
	"net/url"
	"os"

	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // tags
	"nfclease-peers/internal/peer"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("vcsim: ")
	listen := flag.String("l", "127.0.0.1:0", "address to listen on")
	useTLS := flag.Bool("tls", true, "serve HTTPS")
	esx := flag.Bool("esx", false, "be a single host instead of a vCenter")
	machines := flag.Int("vm", 1, "virtual machines per resource pool")
	diskSize := flag.Int("disk-size", 4<<20, "bytes of data in each disk")
	flag.Parse()
	if err := run(*listen, *useTLS, *esx, *machines, *diskSize); err != nil {
		log.Fatal(err)
	}
}

func run(listen string, useTLS, esx bool, machines, diskSize int) error {
	model := simulator.VPX()
	if esx {
		model = simulator.ESX()
	} else {
		model.Host = 0 // one cluster is enough
	}
	model.Machine = machines
	model.Autostart = false // a lease needs a powered-off machine
	defer model.Remove()
	if err := model.Create(); err != nil {
		return err
	}
	// The same bytes in every run, so that a failure can be repeated.
	if err := fillDisks(model, rand.New(rand.NewSource(1)), diskSize); err != nil {
		return err
	}

	identity, err := peer.NewIdentity()
	if err != nil {
		return err
	}
	model.Service.Listen = &url.URL{Host: listen, User: url.UserPassword("user", "pass")}
	if useTLS {
		model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{identity.TLS}}
	}
	model.Service.RegisterEndpoints = true
	server := model.Service.NewServer()
	defer server.Close()
	server.Config.Handler = endOnPanic(serialiseUploadEnds(server.Config.Handler))

	where := *server.URL
	where.User = nil
	announcement := map[string]any{
		"url": where.String(), "user": "user", "password": "pass", "pid": os.Getpid(),
	}
	if useTLS {
		announcement["sha1"] = identity.SHA1
		announcement["sha256"] = identity.SHA256
		announcement["certificate"] = identity.PEM
	}
	if err := peer.Announce(announcement); err != nil {
		return err
	}
	peer.WaitForEnd()
	return nil
}
