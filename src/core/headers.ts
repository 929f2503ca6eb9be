// Headers of the requests that this program sends, and what a header's value may be.

/** On every request to a provider or a nextAuth Server. */
export const REQUEST_HEADERS = {
  accept: "application/json", // GitHub answers form-encoded text otherwise
  "accept-encoding": "identity", // what is relayed is the decoded body, so nothing is gained by a coding
  "user-agent": "nextauth-token-proxy", // firewalls in front of providers refuse requests without one
} as const;

/** Visible ASCII, spaces inside. Anything else could end the header or be read two ways. */
export const HEADER_VALUE = /^[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*$/;
