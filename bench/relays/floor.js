// The floor: bare node:http and undici's dispatcher, relaying bytes. Nothing is checked, nothing is written down.

import { FORM, serveBareRelay } from "./upstream.js";

serveBareRelay(() => FORM);
