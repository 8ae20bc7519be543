// Receives what a peer sends on one connection; in a page, or with Node into a file. Killed at any
// moment and started again it goes on where it was:
//
//     LRP2P_TOKEN=... node receive.mjs http://127.0.0.1:8080/v1/connections/ID FILE
//
// The gateway keeps the state: bytes it was told are safe do not come again, all others do, with
// the same positions. 429, 5xx and a gateway that is away are waited out. A page has to come from
// where the gateway is, as behind one proxy: others are not answered.

async function get(url, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const warn = (error) => console.warn(String(error.cause ?? error));
  for (;;) {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(90_000) }).catch(warn);
    const body = await answer?.arrayBuffer().catch(warn);
    if (body && answer.ok) return { head: answer.headers, body: new Uint8Array(body) };
    if (body) {
      const problem = new TextDecoder().decode(body);
      if (answer.status < 500 && answer.status !== 429) throw new Error(problem);
      console.warn(problem);
    }
    const seconds = answer?.headers.get("Retry-After") ?? 1;
    await new Promise((resume) => setTimeout(resume, seconds * 1000));
  }
}

/** Gives bytes with their positions; who asks for the next ones says that these are safe. */
export async function* receive(url, token) {
  for (let acknowledge = ""; ; ) {
    const { head, body } = await get(`${url}/data?wait=30s${acknowledge}`, token);
    yield { position: Number(head.get("Offset").split("-")[1]), body }; // <epoch>-<position>
    acknowledge = `&ack=${head.get("Next-Offset")}`;
    if (body.length > 0 || !head.has("Stream-Closed")) continue;
    if (head.has("Stream-Finished")) return;
    const connection = new TextDecoder().decode((await get(url, token)).body);
    throw new Error(`The stream was cut off: ${connection}`);
  }
}

async function main(url, path) {
  const { open, constants } = (await import("node:fs")).promises;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
  let end = 0;
  for await (const { position, body } of receive(url, process.env.LRP2P_TOKEN)) {
    const { size } = await file.stat();
    if (size < position) throw new Error(`${path} lacks bytes that were acknowledged`);
    const { bytesWritten } = await file.write(body, 0, body.length, position);
    if (bytesWritten < body.length) throw new Error(`${path}: the disk is full`);
    await file.sync();
    end = position + body.length;
  }
  await file.truncate(end);
}

if (globalThis.process?.argv[1]?.endsWith("receive.mjs")) {
  await main(...process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
