// Package streamvmdk writes streamOptimized VMDKs in the layout that ESXi sends: version 3, grain
// directory at the end, footer and end-of-stream marker as the last two sectors.
package streamvmdk

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	sector       = 512
	grainSectors = 128
	grainBytes   = grainSectors * sector
	tableEntries = 512
	gdAtEnd      = ^uint64(0)

	// Overhead is the number of bytes before the first grain: header, descriptor, padding.
	Overhead = grainBytes
)

// Marker types of the format; a grain has none.
const (
	markEOS uint32 = iota
	markTable
	markDirectory
	markFooter
)

// Header returns the 512-byte header. A directory sector of 0 means "at the end, see the footer".
func Header(capacity, directory uint64) []byte {
	if directory == 0 {
		directory = gdAtEnd
	}
	h := make([]byte, sector)
	copy(h, "KDMV")
	le := binary.LittleEndian
	le.PutUint32(h[4:], 3)         // version
	le.PutUint32(h[8:], 0x30001)   // newline test, compressed, markers
	le.PutUint64(h[12:], capacity) // in sectors
	le.PutUint64(h[20:], grainSectors)
	le.PutUint64(h[28:], 1) // descriptor: one sector after the header
	le.PutUint64(h[36:], 1)
	le.PutUint32(h[44:], tableEntries)
	le.PutUint64(h[56:], directory)
	le.PutUint64(h[64:], Overhead/sector)
	copy(h[73:], "\n \r\n")
	le.PutUint16(h[77:], 1) // deflate
	return h
}

// Tail returns the last three sectors of a stream: footer marker, footer, end-of-stream marker.
func Tail(capacity, directory uint64) []byte {
	tail := marker(1, markFooter)
	tail = append(tail, Header(capacity, directory)...)
	return append(tail, marker(0, markEOS)...)
}

// Encode writes a whole disk. Its length is rounded up to a grain; grains of zeros are left out.
func Encode(w io.Writer, disk []byte) error {
	grains := (len(disk) + grainBytes - 1) / grainBytes
	capacity := uint64(grains) * grainSectors
	out := &counter{w: w}
	head := make([]byte, Overhead)
	copy(head, Header(capacity, 0))
	copy(head[sector:], descriptor(capacity))
	out.write(head)

	var directory []uint32
	zeros := make([]byte, grainBytes)
	for first := 0; first < grains; first += tableEntries {
		table := make([]uint32, tableEntries)
		used := false
		for i := first; i < min(first+tableEntries, grains); i++ {
			grain := make([]byte, grainBytes)
			copy(grain, disk[i*grainBytes:])
			if bytes.Equal(grain, zeros) {
				continue
			}
			table[i-first], used = out.sector(), true
			if err := out.grain(uint64(i)*grainSectors, grain); err != nil {
				return err
			}
		}
		at := uint32(0)
		if used {
			out.write(marker(tableEntries*4/sector, markTable))
			at = out.sector()
			out.table(table)
		}
		directory = append(directory, at)
	}
	sectors := (len(directory)*4 + sector - 1) / sector
	out.write(marker(uint64(sectors), markDirectory))
	at := uint64(out.sector())
	out.table(directory)
	out.write(Tail(capacity, at))
	return out.err
}

func descriptor(capacity uint64) string {
	return fmt.Sprintf(`# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="streamOptimized"
RDONLY %d SPARSE "disk.vmdk"
ddb.adapterType = "lsilogic"
ddb.virtualHWVersion = "13"
`, capacity)
}

func marker(val uint64, kind uint32) []byte {
	m := make([]byte, sector)
	binary.LittleEndian.PutUint64(m, val)
	binary.LittleEndian.PutUint32(m[12:], kind)
	return m
}

// counter knows the sector it is at and keeps the first error.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) sector() uint32 { return uint32(c.n / sector) }

func (c *counter) write(p []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(p)
		c.n += int64(len(p))
	}
}

// padded writes p and zeros up to the next sector.
func (c *counter) padded(p []byte) {
	c.write(append(p, make([]byte, (sector-len(p)%sector)%sector)...))
}

func (c *counter) table(entries []uint32) {
	var buf []byte
	for _, e := range entries {
		buf = binary.LittleEndian.AppendUint32(buf, e)
	}
	c.padded(buf)
}

func (c *counter) grain(lba uint64, data []byte) error {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	buf := binary.LittleEndian.AppendUint64(nil, lba)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(packed.Len()))
	c.padded(append(buf, packed.Bytes()...))
	return c.err
}
