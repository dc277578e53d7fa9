package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A small disk is full when it was filled, and empty when it was freed.
func TestSmallDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	d, err := mountSmall(dir, 1<<20)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.unmount(); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(dir, "file")
	for range 2 {
		if err := d.fill(0); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, 4096), 0o644); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("written to a full disk: %v", err)
		}
		if err := d.free(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, 512<<10), 0o644); err != nil || onDisk(dir) != 512<<10 {
			t.Errorf("written to a free disk: %v, %d bytes", err, onDisk(dir))
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.fill(128 << 10); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, 100<<10), 0o644); err != nil {
		t.Errorf("written to what was left: %v", err)
	}
}
