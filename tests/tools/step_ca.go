// step-ca for the tests: its packages and its configuration file, with one difference: names are looked up at
// STEP_CA_DNS (address:port), because the system's resolver does not know the zones of a test.
// Usage: step-ca ca.json. Built by tests/tools/peers.py.
package main

import (
	"context"
	"log"
	"net"
	"os"

	"github.com/smallstep/certificates/authority/config"
	"github.com/smallstep/certificates/ca"
)

func main() {
	resolver := os.Getenv("STEP_CA_DNS")
	net.DefaultResolver = &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, resolver)
		},
	}
	c, err := config.LoadConfiguration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server, err := ca.New(c)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
