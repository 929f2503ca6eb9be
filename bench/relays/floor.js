// The floor: bare node:http and undici's dispatcher relay bytes, without checks or a log.

import { FORM, serveBareRelay } from "./upstream.js";

serveBareRelay(() => FORM);
