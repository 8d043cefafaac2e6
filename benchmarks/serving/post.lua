-- Sends the bodies of a file in turn and prints the result as one line of JSON.
local requests, turn = {}, 0

init = function()
  local headers = { ["Content-Type"] = "application/json" }
  for body in io.lines(os.getenv("BODIES")) do
    table.insert(requests, wrk.format("POST", os.getenv("URL_PATH"), headers, body))
  end
end

request = function()
  turn = turn % #requests + 1
  return requests[turn]
end

done = function(summary, latency, rates)
  local e = summary.errors
  local bad = e.status + e.connect + e.read + e.write + e.timeout
  print(string.format('RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "bad": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, bad))
end
