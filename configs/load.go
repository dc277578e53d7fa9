package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// Load makes the configuration: the defaults, over them the file at path ("" is
// no file), over that the SLUICE_ variables of env, which is as os.Environ gives
// it. What is wrong comes back as Faults, everything at once. A region that is
// not set, for an endpoint that is, becomes us-east-1 unless the AWS variables
// name one.
func Load(path string, env []string) (Config, error) {
	cfg := Default()
	origin := make(map[string]string)
	var faults Faults
	if path != "" {
		data, err := readFile(path)
		if err != nil {
			return Config{}, err
		}
		d := decoder{file: filepath.Base(path), origin: origin}
		if root := d.parse(data); root != nil {
			d.value(root, "", reflect.ValueOf(&cfg).Elem())
		}
		faults = d.faults
	}
	faults = append(faults, environment(env, &cfg, origin)...)
	unread := make(map[string]bool) // settings with a fault already
	for _, f := range faults {
		unread[f.Path] = true
	}
	for _, f := range cfg.faults() {
		if !unread[f.Path] {
			f.Where = nearestOrigin(f.Path, origin)
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.line(), b.line()) })
		return Config{}, faults
	}
	cfg.fillRegions(env)
	return cfg, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read configuration: there is no file %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read configuration: %s is larger than 1 MiB", path)
	}
	return data, nil
}

// parse makes the node tree of the one document in data; nil, perhaps with a
// fault, where there is none.
func (d *decoder) parse(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		switch err2 := dec.Decode(&second); {
		case err2 == nil:
			d.fault(&second, "", "a second document begins (---); want one")
			return nil
		case !errors.Is(err2, io.EOF):
			err = err2
		}
	}
	if err != nil {
		d.faults = append(d.faults, syntaxFault(d.file, data, err))
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^line ([0-9]+): `)

// syntaxFault puts the line of a YAML syntax error where the lines of other
// faults stand.
func syntaxFault(file string, data []byte, err error) Fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := Fault{Where: file, Text: "not valid YAML: " + text}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		f.Where = file + ":" + m[1]
		f.Text = "not valid YAML, here or one line on: " + text[len(m[0]):]
	}
	if slices.ContainsFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool {
		return bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t"))
	}) {
		f.Text += " (a line begins with a tab; YAML is indented with spaces)"
	}
	return f
}

// nearestOrigin is where the setting at path came from, or the section that it
// is in; "" for a default.
func nearestOrigin(path string, origin map[string]string) string {
	if at, ok := origin[path]; ok {
		return at
	}
	// Only below a stream or a key does what surrounds a missing value say where: a
	// setting of a section that is not given is a default.
	for ofEntry(path) {
		path = path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['))]
		if at, ok := origin[path]; ok {
			return at
		}
	}
	return ""
}

// fillRegions names the region that S3-compatible servers take when they do not
// care. The AWS variables win, since the user's other tools follow them too.
func (c *Config) fillRegions(env []string) {
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if (name == "AWS_REGION" || name == "AWS_DEFAULT_REGION") && value != "" {
			return
		}
	}
	if c.S3.Endpoint != "" && c.S3.Region == "" {
		c.S3.Region = "us-east-1"
	}
	if c.Glue.Endpoint != "" && c.Glue.Region == "" {
		c.Glue.Region = "us-east-1"
	}
	if c.Athena.Endpoint != "" && c.Athena.Region == "" {
		c.Athena.Region = "us-east-1"
	}
}
