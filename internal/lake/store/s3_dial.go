package store

import (
	"context"
	"net"
	"time"
)

// DefaultTimeout is that of S3. A service that completes a large multipart upload
// thinks the longest.
const DefaultTimeout = 2 * time.Minute

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialImpatiently makes connections that break off when they have carried nothing
// in either direction for so long. Without it a peer that vanished holds a request
// for ever.
func dialImpatiently(dial dialFunc, silence time.Duration) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return impatientConn{conn, silence}, nil
	}
}

// impatientConn moves its deadline with all that passes. What is written moves
// that of a Read under way too: an HTTP client waits in Read while it sends.
type impatientConn struct {
	net.Conn
	silence time.Duration
}

func (c impatientConn) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.silence)) // fails on a closed connection only, as Read will
	return c.Conn.Read(p)
}

func (c impatientConn) Write(p []byte) (int, error) {
	c.SetDeadline(time.Now().Add(c.silence))
	return c.Conn.Write(p)
}
