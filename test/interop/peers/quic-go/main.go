// quic-go as a peer: see ../README.md for the arguments.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	_ "unsafe" // for what quic-go's own interop client sets in its internal packages

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const hq = "hq-interop"

// The exit code for what cannot be done here, as in the QUIC interop runner.
const unsupported = 127

// crypto/tls lets nobody choose a suite of TLS 1.3: quic-go's interop programs reach for its lists, too.
//
//go:linkname defaultCipherSuitesTLS13 crypto/tls.defaultCipherSuitesTLS13
var defaultCipherSuitesTLS13 []uint16

//go:linkname defaultCipherSuitesTLS13NoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var defaultCipherSuitesTLS13NoAES []uint16

// Nor does quic.Config take a version that quic-go does not know.
//
//go:linkname supportedVersions github.com/quic-go/quic-go/internal/protocol.SupportedVersions
var supportedVersions []quic.Version

// Packets before the first key update.
//
//go:linkname firstKeyUpdateInterval github.com/quic-go/quic-go/internal/handshake.FirstKeyUpdateInterval
var firstKeyUpdateInterval uint64

type options struct {
	alpn, keyLog            string
	window                  uint64
	chacha20, v2            bool
	cert, key, root, host   string
	port                    int
	retry                   bool
	preferred               string
	ca, connect, serverName string
	insecure                bool
	out                     string
	timeout                 float64
	separately              bool
	resume, early           bool
	keyUpdate, migrate      bool
	version                 string
	paths                   []string
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "quic-go: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("client or server?")
	}
	var o options
	flags := flag.NewFlagSet(arguments[0], flag.ExitOnError)
	flags.StringVar(&o.alpn, "alpn", "h3", "hq-interop or h3")
	flags.StringVar(&o.keyLog, "keylog", "", "file for the secrets")
	flags.Uint64Var(&o.window, "window", 0, "initial flow control windows, in octets")
	flags.BoolVar(&o.chacha20, "chacha20", false, "no other cipher suite")
	flags.BoolVar(&o.v2, "v2", false, "upgrade to version 2")
	flags.StringVar(&o.cert, "cert", "", "server: certificate chain, PEM")
	flags.StringVar(&o.key, "key", "", "server: private key, PEM")
	flags.StringVar(&o.root, "root", ".", "server: directory")
	flags.StringVar(&o.host, "host", "127.0.0.1", "server: address to listen on")
	flags.IntVar(&o.port, "port", 0, "server: UDP port")
	flags.BoolVar(&o.retry, "retry", false, "server: ask every client for a token")
	flags.StringVar(&o.preferred, "preferred", "", "server: preferred address")
	flags.StringVar(&o.ca, "ca", "", "client: trusted certificate, PEM")
	flags.BoolVar(&o.insecure, "insecure", false, "client: verify nothing")
	flags.StringVar(&o.connect, "connect", "", "client: HOST:PORT")
	flags.StringVar(&o.serverName, "server-name", "localhost", "client: name to verify")
	flags.StringVar(&o.out, "out", ".", "client: directory")
	flags.Float64Var(&o.timeout, "timeout", 60, "client: seconds")
	flags.BoolVar(&o.separately, "separately", false, "client: a connection for each path")
	flags.BoolVar(&o.resume, "resume", false, "client: the first path, then the rest on a connection that resumes")
	flags.BoolVar(&o.early, "early", false, "client: the same, in 0-RTT")
	flags.BoolVar(&o.keyUpdate, "key-update", false, "client: update keys early")
	flags.BoolVar(&o.migrate, "migrate", false, "client: go to the server's preferred address")
	flags.StringVar(&o.version, "version", "", "client: version to begin with")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	o.paths = flags.Args()
	if reason := lacking(o); reason != "" {
		fmt.Fprintf(os.Stderr, "quic-go: %s\n", reason)
		os.Exit(unsupported)
	}
	if o.chacha20 {
		defaultCipherSuitesTLS13 = []uint16{tls.TLS_CHACHA20_POLY1305_SHA256}
		defaultCipherSuitesTLS13NoAES = defaultCipherSuitesTLS13
	}
	if o.keyUpdate {
		firstKeyUpdateInterval = 10
	}
	if o.version != "" {
		version, err := strconv.ParseUint(o.version, 0, 32)
		if err != nil {
			return err
		}
		supportedVersions = []quic.Version{quic.Version(version)}
	}

	tlsConfig := &tls.Config{NextProtos: []string{o.alpn}}
	if o.keyLog != "" {
		file, err := os.OpenFile(o.keyLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		tlsConfig.KeyLogWriter = file
	}
	quicConfig := &quic.Config{InitialStreamReceiveWindow: o.window, InitialConnectionReceiveWindow: o.window}
	switch arguments[0] {
	case "server":
		return serve(o, tlsConfig, quicConfig)
	case "client":
		return download(o, tlsConfig, quicConfig)
	}
	return fmt.Errorf("client or server, not %q", arguments[0])
}

// lacking says what a peer of this make has no means for.
func lacking(o options) string {
	if o.v2 {
		return "it speaks version 2, but has no compatible version negotiation: internal/wire.TransportParameters knows no version_information (RFC 9368)"
	}
	if o.preferred != "" {
		return "its server has no preferred address to configure: nothing sets TransportParameters.PreferredAddress"
	}
	if o.migrate {
		return "its client takes the connection ID of a preferred address (connIDManager.AddFromPreferredAddress), and never goes there"
	}
	return ""
}

// --- server

func serve(o options, tlsConfig *tls.Config, quicConfig *quic.Config) error {
	certificate, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return err
	}
	tlsConfig.Certificates = []tls.Certificate{certificate}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(o.host), Port: o.port})
	if err != nil {
		return err
	}
	quicConfig.Allow0RTT = true
	transport := &quic.Transport{Conn: socket, VerifySourceAddress: func(net.Addr) bool { return o.retry }}
	listener, err := transport.ListenEarly(tlsConfig, quicConfig)
	if err != nil {
		return err
	}
	fmt.Println("listening", socket.LocalAddr().(*net.UDPAddr).Port)

	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() {
		<-stopped.Done()
		listener.Close()
	}()
	if o.alpn == hq {
		err = serveHq(listener, o.root)
	} else {
		err = (&http3.Server{Handler: http.FileServer(http.Dir(o.root))}).ServeListener(listener)
	}
	if stopped.Err() != nil {
		return nil
	}
	return err
}

func serveHq(listener *quic.EarlyListener, root string) error {
	for {
		connection, err := listener.Accept(context.Background())
		if err != nil {
			return err
		}
		go func() {
			for {
				stream, err := connection.AcceptStream(context.Background())
				if err != nil {
					return
				}
				go answerHq(stream, root)
			}
		}()
	}
}

func answerHq(stream *quic.Stream, root string) {
	defer stream.Close()
	line, err := bufio.NewReader(io.LimitReader(stream, 4096)).ReadString('\n')
	path, isGet := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "GET ")
	if (err != nil && err != io.EOF) || !isGet {
		stream.CancelWrite(1)
		return
	}
	file, err := http.Dir(root).Open(path)
	if err != nil {
		return // HTTP/0.9 has no way to say so but an empty answer
	}
	defer file.Close()
	io.Copy(stream, file)
}

// --- client

func download(o options, tlsConfig *tls.Config, quicConfig *quic.Config) error {
	tlsConfig.ServerName = o.serverName
	tlsConfig.InsecureSkipVerify = o.insecure
	if !o.insecure {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return err
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		tlsConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.timeout*float64(time.Second)))
	defer cancel()
	if o.separately {
		for _, path := range o.paths {
			if err := connection(ctx, o, tlsConfig, quicConfig, []string{path}, false); err != nil {
				return err
			}
		}
		return nil
	}
	if !o.resume && !o.early {
		return connection(ctx, o, tlsConfig, quicConfig, o.paths, false)
	}
	sessions := &sessionCache{ClientSessionCache: tls.NewLRUClientSessionCache(1), put: make(chan struct{}, 100)}
	tlsConfig.ClientSessionCache = sessions
	if err := connection(ctx, o, tlsConfig, quicConfig, o.paths[:1], false); err != nil {
		return err
	}
	select {
	case <-sessions.put:
	case <-ctx.Done():
		return errors.New("the server gave no session ticket")
	}
	return connection(ctx, o, tlsConfig, quicConfig, o.paths[1:], o.early)
}

// sessionCache tells when there is a session.
type sessionCache struct {
	tls.ClientSessionCache
	put chan struct{}
}

func (c *sessionCache) Put(key string, session *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, session)
	c.put <- struct{}{}
}

// connection downloads some paths on one connection, from beginning to end.
func connection(ctx context.Context, o options, tlsConfig *tls.Config, quicConfig *quic.Config, paths []string, early bool) error {
	remote, err := net.ResolveUDPAddr("udp", o.connect)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	// quic.DialAddr would name no connection ID of its own: nobody could tell such a client by anything but its address
	transport := &quic.Transport{Conn: socket}
	defer transport.Close()
	startedAt := time.Now()
	connection, err := transport.DialEarly(ctx, remote, tlsConfig, quicConfig)
	if err != nil {
		return err
	}
	if !early {
		select {
		case <-connection.HandshakeComplete():
		case <-connection.Context().Done():
			return context.Cause(connection.Context())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Printf("handshake %.6f\n", time.Since(startedAt).Seconds())
	get := getHq(connection)
	if o.alpn != hq {
		get = getH3((&http3.Transport{}).NewClientConn(connection), o.serverName)
	}

	results := make(chan error)
	for _, path := range paths {
		go func() { results <- getFile(ctx, get, path, o.out) }()
	}
	for range paths {
		err = errors.Join(err, <-results)
	}
	if o.resume || o.early {
		// a ticket may come behind the content
		time.Sleep(50 * time.Millisecond)
	}
	connection.CloseWithError(noError(o.alpn), "")
	return err
}

// H3_NO_ERROR (RFC 9114 §8.1); HTTP/0.9 has no codes of its own.
func noError(alpn string) quic.ApplicationErrorCode {
	if alpn == hq {
		return 0
	}
	return 0x100
}

type getter func(ctx context.Context, path string) (io.ReadCloser, error)

func getFile(ctx context.Context, get getter, path, out string) error {
	body, err := get(ctx, path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer body.Close()
	file, err := os.Create(filepath.Join(out, filepath.Base(path)))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, body); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func getHq(connection *quic.Conn) getter {
	return func(ctx context.Context, path string) (io.ReadCloser, error) {
		stream, err := connection.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		if deadline, ok := ctx.Deadline(); ok {
			stream.SetDeadline(deadline)
		}
		if _, err := stream.Write([]byte("GET " + path + "\r\n")); err != nil {
			return nil, err
		}
		return io.NopCloser(stream), stream.Close() // closes our side only
	}
}

func getH3(connection *http3.ClientConn, authority string) getter {
	return func(ctx context.Context, path string) (io.ReadCloser, error) {
		request, err := http.NewRequestWithContext(ctx, "GET", "https://"+authority+path, nil)
		if err != nil {
			return nil, err
		}
		response, err := connection.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != 200 {
			response.Body.Close()
			return nil, errors.New(response.Status)
		}
		return response.Body, nil
	}
}
