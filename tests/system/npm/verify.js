// SPDX-License-Identifier: Apache-2.0
// verify.js - reads {"secret", "headers", "body" (base64)} from stdin, prints "good" or why not
"use strict";

const { Webhook } = require("standardwebhooks");
const { secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));

try {
	new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
	console.log("good");
} catch (error) {
	console.log(`bad: ${error.message}`);
}
