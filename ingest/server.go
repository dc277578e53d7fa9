package ingest

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer is an http.Server for clients that cannot be trusted: one that
// dawdles over its headers or idles is let go, and headers are bounded. How long
// a body may take is OpenBody's to say; there is no limit on an answer, which
// may be a long query's. Without a log its errors are not told.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
