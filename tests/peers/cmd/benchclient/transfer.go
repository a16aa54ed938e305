package main

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/url"
	"os"

	"github.com/vmware/govmomi/vim25/soap"
)

type result struct {
	Bytes  int64  `json:"bytes"`
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
}

// sums are those of one file; without both, SHA-1 alone.
type sums struct {
	io.Writer
	first, also hash.Hash
}

func newSums(both bool) sums {
	first := sha1.New()
	if !both {
		return sums{Writer: first, first: first}
	}
	also := sha256.New()
	return sums{Writer: io.MultiWriter(first, also), first: first, also: also}
}

func (s sums) result(bytes int64) result {
	said := result{Bytes: bytes, SHA1: hex.EncodeToString(s.first.Sum(nil))}
	if s.also != nil {
		said.SHA256 = hex.EncodeToString(s.also.Sum(nil))
	}
	return said
}

// get is nfc.Lease.DownloadFile with the digest that export.ovf adds.
func get(ctx context.Context, client *soap.Client, from, path string, both bool) (result, error) {
	u, err := url.Parse(from)
	if err != nil {
		return result{}, err
	}
	sum := newSums(both)
	download := soap.DefaultDownload
	download.Writer = sum
	if err := client.DownloadFile(ctx, path, u, &download); err != nil {
		return result{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return result{}, err
	}
	return sum.result(info.Size()), nil
}

// put is nfc.Lease.Upload of a disk, with the digest taken on the way.
func put(ctx context.Context, client *soap.Client, to, path string, both bool) (result, error) {
	u, err := url.Parse(to)
	if err != nil {
		return result{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return result{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return result{}, err
	}
	sum := newSums(both)
	err = client.Upload(ctx, io.TeeReader(file, sum), u, &soap.Upload{
		Method:        "POST",
		Type:          "application/x-vnd.vmware-streamVmdk",
		ContentLength: info.Size(),
	})
	return sum.result(info.Size()), err
}
