package main

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"nfclease-peers/internal/streamvmdk"
)

// fillDisks puts a streamOptimized VMDK in the place of every disk: the simulator keeps a short
// text descriptor there, and an NFC download sends whatever that file holds.
func fillDisks(model *simulator.Model, random *rand.Rand, size int) error {
	home := ""
	for _, option := range model.Service.Context.Map.OptionManager().Setting {
		if value := option.GetOptionValue(); value.Key == "vcsim.home" {
			home, _ = value.Value.(string)
		}
	}
	if home == "" {
		return errors.New("the simulator has no vcsim.home")
	}
	return filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isDescriptor(path) {
			return err
		}
		data := make([]byte, size)
		random.Read(data)
		clear(data[size/4 : size/2]) // a real disk has holes
		var stream bytes.Buffer
		if err := streamvmdk.Encode(&stream, data); err != nil {
			return err
		}
		return os.WriteFile(path, stream.Bytes(), 0o600)
	})
}

func isDescriptor(path string) bool {
	return strings.HasSuffix(path, ".vmdk") && !strings.HasSuffix(path, "-flat.vmdk")
}
