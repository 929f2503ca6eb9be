// Headers of the requests that this program sends, and the characters a header value may have.

/** Sent with every request to a provider or a nextAuth Server. */
export const REQUEST_HEADERS = {
  accept: "application/json", // GitHub answers with a form otherwise
  "accept-encoding": "identity", // the decoded body is relayed, so an encoding only costs time
  "user-agent": "nextauth-token-proxy", // some firewalls refuse requests without one
} as const;

/** A header's name (RFC 9110 section 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Visible ASCII and spaces inside. Anything else could end the header or be read two ways. */
export const HEADER_VALUE = /^[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*$/;
