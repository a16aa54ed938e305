package main

import (
	"io"
	"log"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
)

// endOnPanic ends the process where net/http would go on: the handler that panicked still holds
// locks of the simulator, and every later call would wait for ever.
func endOnPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if reason := recover(); reason != nil {
				log.Fatalf("%s %s: %v\n%s", r.Method, r.URL.Path, reason, debug.Stack())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// serialiseUploadEnds lets uploads run side by side but end one after the other: ServeNFC stores
// the sum of each in a map of the lease without a lock, and two stores at once would end the
// process.
func serialiseUploadEnds(next http.Handler) http.Handler {
	var ends sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/nfc/") && (r.Method == "PUT" || r.Method == "POST") {
			body := &lockAtEnd{ReadCloser: r.Body, mutex: &ends}
			defer body.unlock()
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

// lockAtEnd takes the mutex when the body has been read, and holds it until unlock.
type lockAtEnd struct {
	io.ReadCloser
	mutex *sync.Mutex
	held  bool
}

func (b *lockAtEnd) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !b.held {
		b.mutex.Lock()
		b.held = true
	}
	return n, err
}

func (b *lockAtEnd) unlock() {
	if b.held {
		b.mutex.Unlock()
	}
}
