package s3test

import (
	"os/exec"
	"syscall"
)

// endWithUs has the server killed when this process ends, however that ends.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
