package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sluice/internal/s3test"
)

// The versions. Of the servers' archives these are those that Maven Central gave: see
// unrun.
const (
	prestoVersion    = "0.287"
	trinoVersion     = "476"
	versityVersion   = "v1.8.0"
	pysparkVersion   = "4.3.0"
	pyarrowVersion   = "26.0.1"
	hadoopAWS        = "3.5.0" // that of Spark's Hadoop
	mavenPlugin      = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
	asmVersion       = "9.7"
	catalogClientsAt = "internal/clienttest/requirements-catalog.txt"
)

// A cache is the folder of what was downloaded. Each thing is made under another
// name and renamed when it is whole.
type cache struct {
	dir string
	say func(format string, args ...any)
}

// once makes the thing of that name unless it is there, and returns its path.
func (c cache) once(name string, fill func(dir string) error) (string, error) {
	path := filepath.Join(c.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	c.say("getting %s", name)
	part := path + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return "", err
	}
	if err := fill(part); err != nil {
		return "", fmt.Errorf("get %s: %w", name, err)
	}
	return path, os.Rename(part, path)
}

// artifact downloads group:name:version[:packaging] from Maven Central and returns
// the path of the file.
func (c cache) artifact(ctx context.Context, coordinates string, transitive bool) (string, error) {
	repo := filepath.Join(c.dir, "m2")
	parts := strings.Split(coordinates, ":")
	group, name, version, kind := parts[0], parts[1], parts[2], "jar"
	if len(parts) > 3 {
		kind = parts[3]
	}
	path := filepath.Join(repo, filepath.FromSlash(strings.ReplaceAll(group, ".", "/")), name, version, name+"-"+version+"."+kind)
	if _, err := os.Stat(path); err == nil && !transitive {
		return path, nil
	}
	return path, c.quiet(exec.CommandContext(ctx, "mvn", "-B", "-q", "-Dmaven.repo.local="+repo, mavenPlugin+":get",
		"-Dartifact="+coordinates, fmt.Sprintf("-Dtransitive=%v", transitive)))
}

// server unpacks an engine's archive, and of it the folders named, and forgets the
// archive.
func (c cache) server(ctx context.Context, name, coordinates string, folders ...string) (string, error) {
	return c.once(name, func(dir string) error {
		archive, err := c.artifact(ctx, coordinates, false)
		if err != nil {
			return err
		}
		if err := unpack(archive, dir, folders); err != nil {
			return err
		}
		return os.Remove(archive)
	})
}

// python makes a virtual environment with the packages. It has to stay where it was
// made, so a mark says that it is whole.
func (c cache) python(ctx context.Context, name string, install ...string) (string, error) {
	dir := filepath.Join(c.dir, name)
	python, mark := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "whole")
	if _, err := os.Stat(mark); err == nil {
		return python, nil
	}
	c.say("getting %s", name)
	if err := c.quiet(exec.CommandContext(ctx, "python3", "-m", "venv", "--clear", dir)); err != nil {
		return "", fmt.Errorf("make a virtual environment (Debian: apt-get install python3-venv): %w", err)
	}
	args := append([]string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}, install...)
	if err := c.quiet(exec.CommandContext(ctx, python, args...)); err != nil {
		return "", err
	}
	return python, os.WriteFile(mark, nil, 0o644)
}

// versity is the path of the S3 server's program.
func (c cache) versity(ctx context.Context) (string, error) {
	path, err := s3test.Find()
	if !errors.Is(err, s3test.ErrNotFound) {
		return path, err
	}
	bin, err := c.once("versitygw-"+versityVersion, func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "install", "github.com/versity/versitygw/cmd/versitygw@"+versityVersion)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
		return c.quiet(cmd)
	})
	return filepath.Join(bin, "versitygw"), err
}

// quiet runs a command whose output matters only when it fails.
func (c cache) quiet(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(out, 2<<10))
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
