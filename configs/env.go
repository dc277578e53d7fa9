package configs

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// commandEnv are the variables that cmd reads, beside those of settings: the
// path of the configuration file, and for a client command the server that it
// calls, the API key that it brings and the authorities that it trusts.
var commandEnv = []string{EnvPrefix + "CONFIG", EnvPrefix + "SERVER", EnvPrefix + "KEY", EnvPrefix + "CA_FILE", EnvPrefix + "TRINO_PASSWORD"}

// kubernetesEnv matches the variables that Kubernetes puts into every container
// for a service named sluice or sluice-something. They look like ours and are
// not.
var kubernetesEnv = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func fromKubernetes(name, value string) bool {
	scheme, _, _ := strings.Cut(value, "://")
	return kubernetesEnv.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && slices.Contains([]string{"tcp", "udp", "sctp"}, scheme)
}

// environment reads the SLUICE_ variables of env, which is as os.Environ gives
// it, into cfg, and notes in origin which settings they set.
func environment(env []string, cfg *Config, origin map[string]string) Faults {
	type target struct {
		path string
		v    reflect.Value
	}
	targets := make(map[string]target)
	names := slices.Clone(commandEnv)
	walk(reflect.ValueOf(cfg).Elem(), "", func(path string, v reflect.Value) {
		if !ofEntry(path) {
			targets[envName(path)] = target{path, v}
			names = append(names, envName(path))
		}
	})
	var faults Faults
	for _, entry := range lastOfEach(env) {
		name, value, _ := strings.Cut(entry, "=")
		t, known := targets[name]
		switch {
		case slices.Contains(commandEnv, name) || fromKubernetes(name, value) && !known:
		case !known:
			faults = append(faults, Fault{Where: name, Text: "unknown variable; " + suggestEnv(name, names)})
		case strings.TrimSpace(value) == "": // counts as not set
		case isCollection(t.v.Type()):
			faults = append(faults, collectionFromEnv(name, value, t.path, t.v, origin)...)
		default:
			origin[t.path] = name
			if err := setScalar(t.v, value); err != nil {
				faults = append(faults, Fault{Where: name, Path: t.path, Text: err.Error()})
			}
		}
	}
	return faults
}

// lastOfEach keeps the SLUICE_ variables of env, of those with one name the
// last, sorted so that faults come in one order.
func lastOfEach(env []string) []string {
	last := make(map[string]string)
	for _, entry := range env {
		if name, _, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			last[name] = entry
		}
	}
	entries := make([]string, 0, len(last))
	for _, entry := range last {
		entries = append(entries, entry)
	}
	slices.Sort(entries)
	return entries
}

// suggestEnv says what an unknown variable may have been meant to be. Names are
// compared without the prefix that all share.
func suggestEnv(name string, names []string) string {
	for _, c := range collections() {
		if all := envName(c); strings.HasPrefix(name, all+"_") {
			return c + " have no variable each; " + all + " holds all of them as inline YAML"
		}
	}
	short := make([]string, len(names))
	for i, n := range names {
		short[i] = strings.TrimPrefix(n, EnvPrefix)
	}
	if near := nearest(strings.TrimPrefix(name, EnvPrefix), short); near != "" {
		return "did you mean " + EnvPrefix + near + "?"
	}
	return "every setting's variable is " + EnvPrefix + " and its path in capitals, such as " + EnvPrefix + "BUFFER_SIZE"
}

// collectionFromEnv reads all streams, or all keys, from inline YAML; they
// replace those of the file.
func collectionFromEnv(name, value, path string, v reflect.Value, origin map[string]string) Faults {
	for p := range origin {
		if p == path || strings.HasPrefix(p, path+".") {
			delete(origin, p)
		}
	}
	d := decoder{file: name, origin: origin}
	if root := d.parse([]byte(value)); root != nil {
		d.value(root, path, v)
	}
	return d.faults
}
