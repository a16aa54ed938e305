// Command benchserver is the neutral server of the benchmarks: it serves disks of known content
// and takes uploads, over TLS and HTTP/1.1, as a host of vSphere does.
//
//	GET  /disk/N?size=BYTES[&chunked=1][&shape=vmdk]   the bytes of disk N
//	GET  /sha1/N?size=BYTES[&shape=vmdk]               their SHA-1 in hex
//	POST /up/N, PUT /up/N                              answers the SHA-1 of what came
//	GET  /up/N                                         that SHA-1 again, for a client that dropped it
//	GET  /stats                                        CPU seconds of this process
//
// It prints one line of JSON and serves until stdin is closed or SIGTERM arrives.
package main

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"nfclease-peers/internal/peer"
)

// uploadBuffer is what one upload is read with; net/http's own 32 KiB costs a fast client.
const uploadBuffer = 256 << 10

func main() {
	log.SetFlags(0)
	log.SetPrefix("benchserver: ")
	listen := flag.String("l", "127.0.0.1:0", "address to listen on")
	seed := flag.Int64("seed", 1, "seed of the disks' content")
	flag.Parse()
	if err := run(*listen, *seed); err != nil {
		log.Fatal(err)
	}
}

func run(listen string, seed int64) error {
	identity, err := peer.NewIdentity()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	s := &server{content: newContent(seed)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /disk/{n}", s.disk)
	mux.HandleFunc("GET /sha1/{n}", s.sha1)
	mux.HandleFunc("POST /up/{n}", s.upload)
	mux.HandleFunc("PUT /up/{n}", s.upload)
	mux.HandleFunc("GET /up/{n}", s.uploaded)
	mux.HandleFunc("GET /stats", stats)
	web := &http.Server{
		Handler: mux,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{identity.TLS},
			// The small first records of a connection help a browser, not a disk.
			DynamicRecordSizingDisabled: true,
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.ServeTLS(listener, "", "") }()
	if err := peer.Announce(map[string]any{
		"url": "https://" + listener.Addr().String(), "pid": os.Getpid(),
		"sha1": identity.SHA1, "sha256": identity.SHA256, "certificate": identity.PEM,
	}); err != nil {
		return err
	}
	go func() { peer.WaitForEnd(); failed <- nil }()
	return <-failed
}

type server struct {
	content *content
	sums    sync.Map // of disk to the function that knows its SHA-1
	uploads sync.Map // of number to the SHA-1 of the last upload
}

func parse(r *http.Request) (disk, error) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 {
		return disk{}, fmt.Errorf("disk %q", r.PathValue("n"))
	}
	size, err := strconv.ParseInt(r.FormValue("size"), 10, 64)
	if err != nil || size < 0 {
		return disk{}, fmt.Errorf("size %q", r.FormValue("size"))
	}
	d := disk{n: n, size: size, vmdk: r.FormValue("shape") == "vmdk"}
	if d.vmdk && size < minShaped {
		return disk{}, fmt.Errorf("a VMDK has at least %d bytes", minShaped)
	}
	return d, nil
}

func (s *server) disk(w http.ResponseWriter, r *http.Request) {
	d, err := parse(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	if r.FormValue("chunked") == "" {
		w.Header().Set("Content-Length", strconv.FormatInt(d.size, 10))
	}
	if err := s.content.write(w, d); err != nil {
		panic(http.ErrAbortHandler) // never a proper end of a body that was cut short
	}
}

func (s *server) sha1(w http.ResponseWriter, r *http.Request) {
	d, err := parse(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	once, _ := s.sums.LoadOrStore(d, sync.OnceValue(func() string {
		sum := sha1.New()
		_ = s.content.write(sum, d)
		return hex.EncodeToString(sum.Sum(nil))
	}))
	fmt.Fprintln(w, once.(func() string)())
}

func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	sum := sha1.New()
	// The struct hides every other method, so that the buffer is used.
	_, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{r.Body}, make([]byte, uploadBuffer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	s.uploads.Store(r.PathValue("n"), digest)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintln(w, digest)
}

func (s *server) uploaded(w http.ResponseWriter, r *http.Request) {
	digest, ok := s.uploads.Load(r.PathValue("n"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintln(w, digest)
}

func stats(w http.ResponseWriter, _ *http.Request) {
	usage, err := peer.ReadUsage()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(usage)
}
