package store

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that says nothing for the whole silence is given up; one that speaks or
// takes what is written is not.
func TestSilence(t *testing.T) {
	const silence = DefaultTimeout
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		dial := dialImpatiently(func(context.Context, string, string) (net.Conn, error) { return near, nil }, silence)
		conn, err := dial(t.Context(), "tcp", "somewhere")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()

		begin := time.Now()
		read := make(chan error, 1) // the reader sends once
		go func() {
			_, err := conn.Read(make([]byte, 1))
			read <- err
		}()
		for range 5 {
			time.Sleep(silence - time.Second)
			go far.Read(make([]byte, 1))
			if _, err := conn.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		err = <-read
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != 5*(silence-time.Second)+silence {
			t.Errorf("read ended after %v with %v", time.Since(begin), err)
		}
	})
}
