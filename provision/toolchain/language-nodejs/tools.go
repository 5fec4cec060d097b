// Pins the Node.js language host's command as a dependency, so that go.sum covers every byte it is built from.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
