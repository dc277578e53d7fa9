package access

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sluice/configs"
	"sluice/ingest/sigv4"
)

// maxSecret bounds a secret access key; AWS's have 40 characters.
const maxSecret = 1024

// readSecret reads the secret of a key from its file or variable. White space
// around it is not part of it.
func readSecret(k configs.Key, env func(string) string) (sigv4.Secret, error) {
	if k.SecretEnv != "" {
		text := strings.TrimSpace(env(k.SecretEnv))
		if text == "" {
			return sigv4.Secret{}, fmt.Errorf("secret_env: the variable %s is not set", k.SecretEnv)
		}
		return checkSecret("secret_env", text)
	}
	text, err := readPrivate(k.SecretFile)
	if err != nil {
		return sigv4.Secret{}, fmt.Errorf("secret_file: %w", err)
	}
	return checkSecret("secret_file", text)
}

func checkSecret(where, text string) (sigv4.Secret, error) {
	switch {
	case text == "":
		return sigv4.Secret{}, fmt.Errorf("%s: it is empty", where)
	case len(text) > maxSecret || strings.ContainsAny(text, "\r\n\t "):
		return sigv4.Secret{}, fmt.Errorf("%s: want one secret access key of at most %d characters and nothing else", where, maxSecret)
	}
	return sigv4.NewSecret(text), nil
}

// readPrivate reads a file that nobody but its owner may read. As with
// PostgreSQL's private keys, a file of root's may be read by its group, since that
// is how secrets are mounted into containers.
func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	allowed := os.FileMode(0o600)
	if ownedByRoot(info) {
		allowed = 0o640
	}
	switch mode := info.Mode().Perm(); {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", path)
	case mode&0o077&^allowed != 0:
		return "", fmt.Errorf("others than its owner can read %s (mode %04o): chmod 600 %s", path, mode, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+2))
	if err != nil {
		return "", errors.New("read " + path)
	}
	return strings.TrimSpace(string(b)), nil
}
