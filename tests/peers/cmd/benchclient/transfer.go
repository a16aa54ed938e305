package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net/url"
	"os"

	"github.com/vmware/govmomi/vim25/soap"
)

type result struct {
	Bytes int64  `json:"bytes"`
	SHA1  string `json:"sha1"`
}

// get is nfc.Lease.DownloadFile with the digest that export.ovf adds.
func get(ctx context.Context, client *soap.Client, from, path string) (result, error) {
	u, err := url.Parse(from)
	if err != nil {
		return result{}, err
	}
	sum := sha1.New()
	download := soap.DefaultDownload
	download.Writer = sum
	if err := client.DownloadFile(ctx, path, u, &download); err != nil {
		return result{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return result{}, err
	}
	return result{Bytes: info.Size(), SHA1: hex.EncodeToString(sum.Sum(nil))}, nil
}

// put is nfc.Lease.Upload of a disk, with the digest taken on the way.
func put(ctx context.Context, client *soap.Client, to, path string) (result, error) {
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
	sum := sha1.New()
	err = client.Upload(ctx, io.TeeReader(file, sum), u, &soap.Upload{
		Method:        "POST",
		Type:          "application/x-vnd.vmware-streamVmdk",
		ContentLength: info.Size(),
	})
	return result{Bytes: info.Size(), SHA1: hex.EncodeToString(sum.Sum(nil))}, err
}
