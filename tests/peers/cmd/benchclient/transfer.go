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

// get is nfc.Lease.DownloadFile with the digest that export.ovf adds, except that it writes into
// the file that is there, as all clients of the benchmark do, where soap.Client.WriteFile truncates.
func get(ctx context.Context, client *soap.Client, from, path string) (result, error) {
	u, err := url.Parse(from)
	if err != nil {
		return result{}, err
	}
	body, _, err := client.Download(ctx, u, &soap.DefaultDownload)
	if err != nil {
		return result{}, err
	}
	defer body.Close()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return result{}, err
	}
	sum := sha1.New()
	n, err := io.Copy(io.MultiWriter(sum, file), body)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return result{Bytes: n, SHA1: hex.EncodeToString(sum.Sum(nil))}, err
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
