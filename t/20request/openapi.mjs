// SPDX-License-Identifier: Apache-2.0
// Judges an OpenAPI document (a file's name) by the schema of the OpenAPI
// Initiative: "valid VERSION", or what is wrong.
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';

const validator = new Validator();
const result = await validator.validate(
    JSON.parse(readFileSync(process.argv[2], 'utf8')));

console.log(result.valid ? `valid ${validator.version}`
    : JSON.stringify(result.errors, null, 1));
