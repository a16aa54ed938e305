package main

import (
	"encoding/binary"
	"io"
	"math/rand"

	"nfclease-peers/internal/streamvmdk"
)

const (
	blockSize = 64 << 20
	writeSize = 256 << 10
	minShaped = 2 * streamvmdk.Overhead
)

// disk names a content: the same disk has the same bytes in every run.
type disk struct {
	n    int
	size int64
	vmdk bool // begins and ends as a streamOptimized VMDK does
}

// content is one incompressible block that all disks are made of, so that serving costs no more
// than encryption.
type content struct{ block []byte }

func newContent(seed int64) *content {
	c := &content{block: make([]byte, blockSize)}
	rand.New(rand.NewSource(seed)).Read(c.block)
	return c
}

// write sends the disk. Every piece of writeSize bytes begins with the disk's number and the
// piece's offset, so that a client which mixes up pieces or disks gets another digest.
func (c *content) write(w io.Writer, d disk) error {
	piece := make([]byte, writeSize)
	for at := int64(0); at < d.size; at += writeSize {
		start := at % blockSize
		copy(piece, c.block[start:start+writeSize])
		binary.LittleEndian.PutUint64(piece, uint64(d.n))
		binary.LittleEndian.PutUint64(piece[8:], uint64(at))
		part := piece[:min(writeSize, d.size-at)]
		if d.vmdk {
			shape(part, at, d.size)
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// shape lays the header over the first bytes of a disk and the footer over its last ones; what
// lies between is no valid grain.
func shape(part []byte, at, size int64) {
	capacity := uint64(size) / 512
	overlay(part, at, 0, streamvmdk.Header(capacity, 0))
	tail := streamvmdk.Tail(capacity, capacity-4) // as if the directory were right before it
	overlay(part, at, size-int64(len(tail)), tail)
}

// overlay copies into part, which begins at offset at of the disk, its share of data at where.
func overlay(part []byte, at, where int64, data []byte) {
	for i, b := range data {
		if p := where + int64(i) - at; p >= 0 && p < int64(len(part)) {
			part[p] = b
		}
	}
}
