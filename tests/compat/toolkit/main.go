// Checks a file of --web.config.file with Prometheus' exporter-toolkit and, if an address is given, serves with it:
//
//	toolkit web.yml [127.0.0.1:8080]
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	file := os.Args[1]
	err := web.Validate(file)
	if err == nil && len(os.Args) > 2 {
		err = serve(file, os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(file, address string) error {
	addresses, systemd := []string{address}, false
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "served")
	})}
	flags := &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &file}
	return web.ListenAndServe(server, flags, slog.Default())
}
