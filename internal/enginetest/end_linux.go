package main

import (
	"os/exec"
	"syscall"
)

// endWithUs has the process killed when this one ends, however that ends.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }
