// The token of whoever looks at this page. It lives as long as the tab, and is never in an address.

const storageKey = 'lrp2p-gateway-token';

/** Tells `change` when there is another token, or none. */
class Session extends EventTarget {
  #token;

  constructor() {
    super();
    this.#token = this.#stored((storage) => storage.getItem(storageKey)) ?? undefined;
  }

  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#stored((storage) =>
      token ? storage.setItem(storageKey, token) : storage.removeItem(storageKey));
    this.dispatchEvent(new Event('change'));
  }

  /** A browser can refuse to store anything; the token is then gone with the document. */
  #stored(access) {
    try {
      return access(sessionStorage);
    } catch {
      return undefined;
    }
  }
}

export const session = new Session();

let ask;

/** Says who asks people for a token: `asks` gets the problem, and rejects when they give none. */
export function onTokenNeeded(asks) {
  ask = asks;
}

export const needToken = (problem) => ask(problem);
