// Command benchclient transfers disks the way govmomi does, for the benchmarks.
//
//	benchclient get|put [-thumbprint SHA1] [-sha256] [-parallel] URL FILE [URL FILE ...]
//
// It prints one line of JSON with bytes, digests and what it cost.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/soap"
	"nfclease-peers/internal/peer"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchclient:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || (args[0] != "get" && args[0] != "put") {
		return errors.New("usage: benchclient get|put [flags] URL FILE [URL FILE ...]")
	}
	transfer := get
	if args[0] == "put" {
		transfer = put
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	thumbprint := flags.String("thumbprint", "", "SHA-1 thumbprint of the server; none: no verification")
	both := flags.Bool("sha256", false, "SHA-256 in the same pass as well")
	parallel := flags.Bool("parallel", false, "all at once; govc does one after the other")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	pairs := flags.Args()
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return errors.New("give pairs of URL and FILE")
	}

	base, err := url.Parse(pairs[0])
	if err != nil {
		return err
	}
	client := soap.NewClient(base, *thumbprint == "")
	client.SetThumbprint(base.Host, *thumbprint)

	startup, err := peer.ReadUsage()
	if err != nil {
		return err
	}
	results := make([]result, len(pairs)/2)
	failures := make([]error, len(results))
	begin := time.Now()
	var running sync.WaitGroup
	for i := range results {
		one := func() {
			results[i], failures[i] = transfer(context.Background(), client, pairs[2*i], pairs[2*i+1], *both)
		}
		if *parallel {
			running.Go(one)
		} else {
			one()
		}
	}
	running.Wait()
	seconds := time.Since(begin).Seconds()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	total, err := peer.ReadUsage()
	if err != nil {
		return err
	}
	return peer.Announce(map[string]any{
		"files": results, "seconds": seconds, "startup": startup, "total": total,
	})
}
