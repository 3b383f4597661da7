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
	"strings"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const hq = "hq-interop"

type options struct {
	alpn, keyLog            string
	window                  uint64
	cert, key, root         string
	port                    int
	ca, connect, serverName string
	insecure                bool
	out                     string
	timeout                 float64
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
	flags.StringVar(&o.cert, "cert", "", "server: certificate chain, PEM")
	flags.StringVar(&o.key, "key", "", "server: private key, PEM")
	flags.StringVar(&o.root, "root", ".", "server: directory")
	flags.IntVar(&o.port, "port", 0, "server: UDP port")
	flags.StringVar(&o.ca, "ca", "", "client: trusted certificate, PEM")
	flags.BoolVar(&o.insecure, "insecure", false, "client: verify nothing")
	flags.StringVar(&o.connect, "connect", "", "client: HOST:PORT")
	flags.StringVar(&o.serverName, "server-name", "localhost", "client: name to verify")
	flags.StringVar(&o.out, "out", ".", "client: directory")
	flags.Float64Var(&o.timeout, "timeout", 60, "client: seconds")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	o.paths = flags.Args()

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

// --- server

func serve(o options, tlsConfig *tls.Config, quicConfig *quic.Config) error {
	certificate, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return err
	}
	tlsConfig.Certificates = []tls.Certificate{certificate}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: o.port})
	if err != nil {
		return err
	}
	listener, err := quic.ListenEarly(socket, tlsConfig, quicConfig)
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
	connection, err := quic.DialAddr(ctx, o.connect, tlsConfig, quicConfig)
	if err != nil {
		return err
	}
	get := getHq(connection)
	if o.alpn != hq {
		get = getH3((&http3.Transport{}).NewClientConn(connection), o.serverName)
	}

	results := make(chan error)
	for _, path := range o.paths {
		go func() { results <- getFile(ctx, get, path, o.out) }()
	}
	for range o.paths {
		err = errors.Join(err, <-results)
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
