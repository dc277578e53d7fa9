package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// clockJumps says that the command's clock can be had jump here.
const clockJumps = true

// dieWithParent has the process killed when this one ends, however that ends.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// maxRSS is the most memory that the process had resident, 0 if that is unknown.
func maxRSS(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// onDisk is what the files below the folder take of the disk.
func onDisk(dir string) (size int64) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil && !d.IsDir() && unix.Lstat(path, &st) == nil { // it may be gone by now
			size += st.Blocks * 512
		}
		return nil
	})
	return size
}

// A smallDisk is a file system of its own that can be filled.
type smallDisk struct{ dir, filler string }

// mountSmall makes one at the folder, which it makes too.
func mountSmall(dir string, size int64) (*smallDisk, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("crashtest", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs: %w", err)
	}
	return &smallDisk{dir, filepath.Join(dir, "filler")}, nil
}

// fill leaves so many bytes free.
func (d *smallDisk) fill(leave int64) error {
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	for range 100 {
		var st unix.Statfs_t
		if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
			return err
		}
		free := int64(st.Bavail)*st.Bsize - leave
		if free <= 0 {
			return nil
		}
		end, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		// Others take space meanwhile: what does not fit is halved.
		for err = unix.ENOSPC; errors.Is(err, unix.ENOSPC) && free >= 4096; free /= 2 {
			err = unix.Fallocate(int(f.Fd()), 0, end, free)
		}
		if err != nil {
			return nil // full
		}
	}
	return nil
}

// free empties it again.
func (d *smallDisk) free() error {
	if err := os.Remove(d.filler); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// unmount ends it; what is in it is gone.
func (d *smallDisk) unmount() error {
	if err := unix.Unmount(d.dir, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", d.dir, errors.Join(err, unix.Unmount(d.dir, unix.MNT_DETACH)))
	}
	return nil
}
