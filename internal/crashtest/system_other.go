//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

const clockJumps = false // elsewhere Go's runtime finds its clock in other ways

func dieWithParent(*exec.Cmd) {}

func maxRSS(int) int64 { return 0 }

func onDisk(string) int64 { return 0 }

// A smallDisk is a file system of its own that can be filled; here there is none.
type smallDisk struct{}

func mountSmall(string, int64) (*smallDisk, error) { return nil, errors.New("only on Linux") }

func (*smallDisk) fill(int64) error { return nil }
func (*smallDisk) free() error      { return nil }
func (*smallDisk) unmount() error   { return nil }
