"""Drives `tursodb --mcp` with the Python client library of the protocol: python3 drive.py PATH-OF-TURSODB

Every tool, resource and prompt, by each way of connecting that the library has: the handshake of the revisions up to 2025-11-25, and
revision 2026-07-28, which has none. Needs the package `mcp` (pip install mcp); without it, says so and exits with status 77.
`TURSO_MCP_TABLES_MS=N`: a database of 1,000 tables must describe itself within so many milliseconds.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager

try:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
except ImportError:
    print("SKIPPED: the Python package `mcp` is absent")
    sys.exit(77)

try:
    from mcp import Client
except ImportError:
    Client = None

HANDSHAKE = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


@asynccontextmanager
async def connected(program, arguments, mode):
    """A client, and the revision that is spoken. Mode `handshake` is that of libraries of before 2026, too."""
    parameters = StdioServerParameters(command=program, args=arguments)
    if mode == "handshake":
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
            info = await client.initialize()
            server = getattr(info, "server_info", None) or info.serverInfo
            assert server.name == "turso-mcp", server
            yield client, getattr(info, "protocol_version", None) or info.protocolVersion
    else:
        async with Client(parameters, mode=mode) as client:
            yield client, client.protocol_version


def text(result):
    return result.content[0].text


def flag(result):
    return getattr(result, "is_error", None) or getattr(result, "isError", None) or False


def structured(result):
    return getattr(result, "structured_content", None) or getattr(result, "structuredContent", None)


async def drive(program, path, mode):
    async with connected(program, [path, "--mcp"], mode) as (client, revision):
        if mode in ("handshake", "legacy"):
            assert revision in HANDSHAKE, revision
        else:
            assert revision == "2026-07-28", revision
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"open_database", "current_database", "list_tables", "describe_table", "execute_query", "insert_data",
                "update_data", "delete_data", "schema_change", "explain_query"} == tools, tools

        async def call(tool, **arguments):
            return await client.call_tool(tool, arguments)

        assert text(await call("current_database")) == f"Current database: {path}"
        assert text(await call("schema_change", query="CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")) == "Schema change successful."
        assert text(await call("insert_data", query="INSERT INTO t VALUES (?, ?)", params=[1, "it's"])) == "INSERT successful."
        assert text(await call("update_data", query="UPDATE t SET b = 'new' WHERE a = 1")) == "UPDATE successful."
        answer = await call("execute_query", query="SELECT * FROM t")
        assert text(answer) == "a | b\n-----\n1 | new\n", text(answer)
        assert structured(answer)["rows"] == [[1, "new"]], structured(answer)
        assert text(await call("list_tables")) == "t"
        assert text(await call("describe_table", table_name="t")).startswith("Table 't' columns:\n")
        assert text(await call("explain_query", query="SELECT * FROM t")) == "QUERY PLAN\n- SCAN t\n"
        assert text(await call("delete_data", query="DELETE FROM t")) == "DELETE successful."
        wrong = await call("execute_query", query="DELETE FROM t")
        assert flag(wrong) and text(wrong) == "Only SELECT queries are allowed", text(wrong)
        other = os.path.join(os.path.dirname(path), "other.db")
        assert text(await call("open_database", path=other)) == f"Successfully opened database: {other}"
        assert text(await call("open_database", path=path)) == f"Successfully opened database: {path}"
        resources = [str(r.uri) for r in (await client.list_resources()).resources]
        assert resources == ["turso://schema", "turso://tables/t"], resources
        schema = (await client.read_resource(resources[0])).contents[0].text
        assert schema == "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);\n", schema
        rows = json.loads((await client.read_resource("turso://tables/t/rows")).contents[0].text)
        assert rows["columns"] == ["a", "b"], rows
        prompts = {p.name for p in (await client.list_prompts()).prompts}
        assert "analyze_table" in prompts, prompts
        prompt = await client.get_prompt("analyze_table", {"table": "t"})
        assert "table t" in prompt.messages[0].content.text


async def drive_read_only(program, path, mode):
    async with connected(program, [path, "--mcp", "--readonly"], mode) as (client, _):
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert not tools & {"insert_data", "update_data", "delete_data", "schema_change"}, tools
        refused = await client.call_tool("insert_data", {"query": "INSERT INTO t VALUES (1, 2)"})
        assert flag(refused), text(refused)


def speak(program, path, version):
    """The oldest clients, by hand: one line, one message."""
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize",
         "params": {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "execute_query", "arguments": {"query": "SELECT 1 AS a"}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "nope", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 4, "method": "no/such/method"},
    ]
    process = subprocess.Popen([program, path, "--mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    answers = {}
    for message in messages:
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        if "id" in message:
            answer = json.loads(process.stdout.readline())
            answers[answer["id"]] = answer
    process.stdin.close()
    process.wait(timeout=20)
    assert answers[1]["result"]["protocolVersion"] == version, answers[1]
    assert answers[2]["result"]["content"][0] == {"type": "text", "text": "a\n-\n1\n"}, answers[2]
    assert answers[3]["error"]["code"] == -32601 and "Unknown tool: nope" in answers[3]["error"]["message"], answers[3]
    assert answers[4]["error"]["code"] == -32601, answers[4]


async def describe_many(program, path, mode):
    """Milliseconds that 1,000 tables take: as a list, as their definitions, and one of them in full."""
    statements = "".join(f"CREATE TABLE t{i}(a INTEGER PRIMARY KEY, b TEXT, c REAL NOT NULL DEFAULT 1);" for i in range(1000))
    subprocess.run([program, path, f"BEGIN; {statements} COMMIT"], check=True, stdout=subprocess.DEVNULL)
    async with connected(program, [path, "--mcp"], mode) as (client, _):
        took = {}

        async def timed(what, call):
            began = time.perf_counter()
            answer = await call
            took[what] = (time.perf_counter() - began) * 1e3
            return answer

        names = text(await timed("list_tables", client.call_tool("list_tables", {})))
        assert len(names.split(", ")) == 1000, names
        schema = await timed("turso://schema", client.read_resource("turso://schema"))
        assert schema.contents[0].text.count("CREATE TABLE") == 1000
        described = text(await timed("describe_table", client.call_tool("describe_table", {"table_name": "t999"})))
        assert described.startswith("Table 't999' columns:"), described
    return took


def main():
    program = os.path.abspath(sys.argv[1])
    modes = ["handshake"] + (["legacy", "auto", "2026-07-28"] if Client else [])
    if not Client:
        print("SKIPPED: revision 2026-07-28, which this version of the package `mcp` does not speak")
    for mode in modes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.db")
            asyncio.run(drive(program, path, mode))
            asyncio.run(drive_read_only(program, path, mode))
            took = asyncio.run(describe_many(program, os.path.join(folder, "many.db"), mode))
            print(f"{mode}: 1,000 tables:", ", ".join(f"{what} {ms:.1f} ms" for what, ms in took.items()))
            limit = float(os.environ.get("TURSO_MCP_TABLES_MS", "inf"))
            assert max(took.values()) <= limit, took
    with tempfile.TemporaryDirectory() as folder:
        for version in HANDSHAKE:
            speak(program, os.path.join(folder, "x.db"), version)
    print("ok")


main()
