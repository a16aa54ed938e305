package peer

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Usage is what this process has cost so far.
type Usage struct {
	User float64 `json:"cpu_user"` // seconds
	Sys  float64 `json:"cpu_sys"`
	Peak int64   `json:"peak_kib"` // VmHWM; ru_maxrss would include the launcher's own peak
}

// ReadUsage asks the kernel.
func ReadUsage() (Usage, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return Usage{}, err
	}
	return Usage{User: seconds(usage.Utime), Sys: seconds(usage.Stime), Peak: peak()}, nil
}

func seconds(t syscall.Timeval) float64 {
	return float64(t.Sec) + float64(t.Usec)/1e6
}

// peak returns 0 where there is no /proc.
func peak() int64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib
		}
	}
	return 0
}
