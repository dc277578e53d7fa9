package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"sluice/catalogsync/embedded"
	"sluice/configs"
	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/ingest/certs"
	"sluice/ingest/sigv4"
	"sluice/query/httpapi"
)

// openAccess reads the keys and certificates; only a service that serves needs
// them.
func (s *service) openAccess() error {
	var errs [2]error
	s.guard, errs[0] = access.New(access.Config{Keys: s.cfg.Keys, Env: os.Getenv, Registerer: s.registry})
	s.certs, errs[1] = openCerts(s.cfg.TLS, s.log)
	if err := errors.Join(errs[:]...); err != nil {
		return usageError{err}
	}
	if s.guard.IsOpen() && s.cfg.Access.Insecure {
		s.log.Warn("nobody is asked who they are (access.insecure)", "listen", s.cfg.Listen)
	}
	return nil
}

// openCerts reads the files of TLS; nil where there is none.
func openCerts(t configs.TLS, log *slog.Logger) (*certs.Files, error) {
	if t.Cert == "" {
		return nil, nil
	}
	return certs.Open(certs.Config{
		Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, Require: t.ClientAuth == configs.ClientAuthRequire, TLS13: t.MinVersion == "1.3", Log: log,
	})
}

// authorizeQuery says who asks, and which databases they may see.
func (s *service) authorizeQuery(w http.ResponseWriter, r *http.Request) (caller httpapi.Caller, ok bool) {
	who, p := s.guard.Authenticate(r)
	if p == nil && !who.MayQueryAny() {
		p = s.guard.Forbidden(who, "query")
	}
	if p != nil {
		p.Write(w)
		return caller, false
	}
	caller = httpapi.Caller{Name: who.Name(), Admin: who.Admin()}
	if !who.Admin() {
		caller.Visible = who.MayQuery
	}
	// Where nobody is asked, a page in somebody's browser could post statements too:
	// browsers say where they come from.
	anyone := s.cfg.Query.Write.Who == configs.WriteAnyone && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
	if !s.guard.IsOpen() || anyone {
		caller.MayWrite = who.MayModify
	}
	return caller, true
}

// adminOnly serves those who may do everything.
func (s *service) adminOnly(what string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, p := s.guard.Authenticate(r)
		if p == nil && !who.Admin() {
			p = s.guard.Forbidden(who, what)
		}
		if p != nil {
			p.Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// metricsHandler serves /metrics to whom the configuration says.
func (s *service) metricsHandler(next http.Handler) http.Handler {
	if s.cfg.Access.Metrics == configs.MetricsOpen {
		return next
	}
	return s.adminOnly("read metrics", next)
}

// maxCatalogRequest is the catalog's own limit.
const maxCatalogRequest = 16 << 20

// serveGlue serves the catalog to those who may do everything, and the databases
// that they may query, for reading, to others.
func (s *service) serveGlue(w http.ResponseWriter, r *http.Request) {
	if s.guard.IsOpen() {
		s.glue.ServeHTTP(w, r)
		return
	}
	pending, bad := s.guard.CheckSigV4(r, "glue")
	if bad != nil {
		refuseAWS(w, bad)
		return
	}
	// The signature covers the body, so it is read before anything is believed.
	body, p := s.catalogRequest(w, r)
	if p != nil {
		writeAWS(w, p.Status, "InvalidInputException", p.Message)
		return
	}
	defer s.memory.Release(maxCatalogRequest)
	who, bad := pending.Verify(sha256.Sum256(body))
	switch {
	case bad != nil:
		refuseAWS(w, bad)
		return
	case !who.MayQueryAny():
		writeAWS(w, http.StatusForbidden, "AccessDeniedException", s.guard.Forbidden(who, "read the catalog").Message)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !who.Admin() {
		r = embedded.Restrict(r, who.MayQuery)
	}
	s.glue.ServeHTTP(w, r)
}

// catalogRequest reads a request to the catalog into memory that is held until
// maxCatalogRequest bytes of it are released; not with a problem.
func (s *service) catalogRequest(w http.ResponseWriter, r *http.Request) ([]byte, *ingest.Problem) {
	if p := s.memory.Reserve(r.Context(), maxCatalogRequest); p != nil {
		return nil, p
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCatalogRequest))
	if err == nil {
		return body, nil
	}
	s.memory.Release(maxCatalogRequest)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &ingest.Problem{Status: http.StatusRequestEntityTooLarge, Message: "the request has more than 16 MiB"}
	}
	return nil, &ingest.Problem{Status: http.StatusBadRequest, Message: "read request: " + err.Error()}
}

func refuseAWS(w http.ResponseWriter, err *sigv4.Error) {
	writeAWS(w, http.StatusForbidden, err.Code, err.Message)
}

// writeAWS answers with an error of the AWS JSON 1.1 protocol.
func writeAWS(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // a client that is gone hears nothing
}
