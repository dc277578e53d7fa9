//go:build !linux

package main

import "os/exec"

// endWithUs does nothing where no system call does it.
func endWithUs(*exec.Cmd) {}
