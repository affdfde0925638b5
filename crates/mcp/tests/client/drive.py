"""Drives `tursodb --mcp` with the Python client library of the protocol: python3 drive.py PATH-OF-TURSODB

Needs the package `mcp` (pip install mcp); without it, says so and exits with status 77.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile

try:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
except ImportError:
    print("SKIPPED: the Python package `mcp` is absent")
    sys.exit(77)


def text(result):
    return result.content[0].text


def flag(result):
    return getattr(result, "is_error", None) or getattr(result, "isError", None) or False


def structured(result):
    return getattr(result, "structured_content", None) or getattr(result, "structuredContent", None)


async def drive(program, path):
    parameters = StdioServerParameters(command=program, args=[path, "--mcp"])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
        info = await client.initialize()
        server = getattr(info, "server_info", None) or info.serverInfo
        assert server.name == "turso-mcp", server
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


async def drive_read_only(program, path):
    parameters = StdioServerParameters(command=program, args=[path, "--mcp", "--readonly"])
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
        await client.initialize()
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


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.db")
        asyncio.run(drive(program, path))
        asyncio.run(drive_read_only(program, path))
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]:
            speak(program, path, version)
    print("ok")


main()
