package clienttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience ends a client that hangs. A slow machine is not to end it.
const patience = 8 * time.Minute

// Node runs a CommonJS script that requires modules, and returns what it printed.
// The test fails when the script does, and is skipped where a module is missing.
func Node(t testing.TB, script string, modules []string, args ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	dir := os.Getenv("TEST_NODE_MODULES")
	if dir == "" {
		t.Skip("TEST_NODE_MODULES, the node_modules that npm install makes of internal/clienttest/package.json, is not set")
	}
	for _, m := range modules {
		if _, err := os.Stat(filepath.Join(dir, m)); err != nil {
			t.Skipf("%s is not in TEST_NODE_MODULES: %v", m, err)
		}
	}
	return run(t, []string{"NODE_PATH=" + dir}, node, append([]string{script}, args...)...)
}

// Python runs a script that imports a module, as Node does.
func Python(t testing.TB, script, module string, args ...string) string {
	t.Helper()
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		t.Skip("TEST_PYTHON, a Python with internal/clienttest/requirements.txt, is not set")
	}
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		t.Skipf("%s has no module %s: %v: %s", python, module, err, out)
	}
	return run(t, []string{"PYTHONUNBUFFERED=1"}, python, append([]string{script}, args...)...)
}

func run(t testing.TB, env []string, command string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, command, args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		if len(out) > 8<<10 {
			out = out[len(out)-8<<10:]
		}
		t.Fatalf("%s: %v\n%s", filepath.Base(args[0]), err, out)
	}
	return string(out)
}
