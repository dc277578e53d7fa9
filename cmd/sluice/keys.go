package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"sluice/configs"
	"sluice/ingest/access"

	"github.com/spf13/cobra"
)

func newKeys() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Make the keys that clients bring",
		Example: `  sluice keys new bookstore --write purchases > bookstore.key
  sluice keys hash < write.key`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newKeysNew(), newKeysHash())
	return c
}

func newKeysNew() *cobra.Command {
	var k configs.Key
	var aws bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key: the key on standard output, once, and what to configure on standard error",
		Long: `The key is random (256 bits) and kept nowhere: standard output is the only place
that has it. What goes under keys: in the configuration has its SHA-256 only.
With --aws it is a secret access key, for clients that sign as AWS SDKs do; the
service must have that one itself, in a file that nobody else may read.`,
		Example: `  sluice keys new bookstore --write purchases > bookstore.key
  sluice keys new website --source web > write.key
  sluice keys new analysts --query shop > analysts.key
  (umask 077; sluice keys new lambda --aws --write purchases > lambda.secret)`,
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key := newSecret()
			if aws {
				key = strings.TrimPrefix(key, keyPrefix)
				k.AccessKeyID, k.SecretFile = newAccessKeyID(), "/path/of/"+args[0]+".secret"
			} else {
				k.SHA256 = hashOf(key)
			}
			cfg := configs.Default()
			cfg.Keys = map[string]configs.Key{args[0]: k}
			if err := cfg.Validate(); err != nil {
				return usageError{err}
			}
			fmt.Fprintf(c.ErrOrStderr(), "# Put this into the configuration, and start the service again:\nkeys:\n%s", entryOf(args[0], k))
			_, err := fmt.Fprintln(c.OutOrStdout(), key)
			return err
		},
	}
	c.Flags().BoolVar(&aws, "aws", false, "make an access key id and a secret access key")
	c.Flags().StringSliceVar(&k.Write, "write", nil, "`STREAMS` that it may write, by commas; * stands for any characters")
	c.Flags().StringSliceVar(&k.Query, "query", nil, "`DATABASES` that it may query")
	c.Flags().BoolVar(&k.Admin, "admin", false, "it may do everything")
	c.Flags().StringVar(&k.Source, "source", "", "it is the Segment write key of this `SOURCE`")
	return c
}

func newKeysHash() *cobra.Command {
	return &cobra.Command{
		Use:   "hash",
		Short: "Print the SHA-256 of the key on standard input, for the configuration",
		Long: `For keys that are in use already, such as Segment write keys. They must be random:
what people think up can be guessed from its hash.`,
		Example: "  sluice keys hash < write.key",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			const least, most = 20, 512
			text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), most+2))
			key := strings.TrimSpace(string(text))
			switch {
			case err != nil:
				return fmt.Errorf("read key: %w", err)
			case len(key) < least || len(key) > most || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
				return fmt.Errorf("read key: want one key of %d to %d visible ASCII characters on standard input, and nothing else", least, most)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), hashOf(key))
			return err
		},
	}
}

// keyPrefix lets a leaked key be recognised.
const keyPrefix = "sluice_"

func newSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return keyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// newAccessKeyID has the form of AWS's, and is none of theirs.
func newAccessKeyID() string {
	var b [10]byte
	rand.Read(b[:])
	return "SLUI" + base32.StdEncoding.EncodeToString(b[:])
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// entryOf is the key as it stands in a configuration.
func entryOf(name string, k configs.Key) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s:\n", name)
	line := func(field, value string) {
		if value != "" {
			fmt.Fprintf(&b, "    %s: %s\n", field, value)
		}
	}
	list := func(field string, names []string) {
		if len(names) > 0 {
			line(field, fmt.Sprintf("[%s]", `"`+strings.Join(names, `", "`)+`"`))
		}
	}
	line("sha256", k.SHA256)
	line("access_key_id", k.AccessKeyID)
	line("secret_file", k.SecretFile)
	line("source", k.Source)
	list("write", k.Write)
	list("query", k.Query)
	if k.Admin {
		line("admin", "true")
	}
	return b.String()
}

// checkAccess reads what the keys and TLS refer to, as serve does.
func checkAccess(cfg configs.Config) error {
	_, keysErr := access.New(access.Config{Keys: cfg.Keys, Env: os.Getenv})
	_, certsErr := openCerts(cfg.TLS, slog.New(slog.DiscardHandler))
	return errors.Join(keysErr, certsErr)
}

// printAccess says who may do what, without anything secret.
func printAccess(out io.Writer, cfg configs.Config) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Keys)) {
		k := cfg.Keys[name]
		fmt.Fprintf(out, "key      %s: write %v, query %v", name, k.Write, k.Query)
		if k.Admin {
			fmt.Fprint(out, ", admin")
		}
		if k.Source != "" {
			fmt.Fprintf(out, ", Segment source %s", k.Source)
		}
		fmt.Fprintln(out)
	}
}
