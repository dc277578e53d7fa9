package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// java finds a Java whose major version is within the bounds, in $JAVA_HOME, in PATH
// and where Debian puts them.
func java(from, to int) (path string, version int, err error) {
	var all []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		all = append(all, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		all = append(all, path)
	}
	installed, err := filepath.Glob("/usr/lib/jvm/*/bin/java")
	if err != nil {
		return "", 0, err
	}
	for _, path := range append(all, installed...) {
		out, err := exec.Command(path, "-version").CombinedOutput()
		m := javaVersion.FindSubmatch(out)
		if err != nil || m == nil {
			continue
		}
		if v, _ := strconv.Atoi(string(m[1])); from <= v && v <= to {
			return path, v, nil
		}
	}
	return "", 0, fmt.Errorf("no Java %d to %d in $JAVA_HOME, PATH or /usr/lib/jvm", from, to)
}
