"""JSON to the letter as RapidJSON 1.1.0 reads and prints it.

Source: github.com/Tencent/rapidjson, tag v1.1.0, `reader.h` with the flags
kParseIterativeFlag, kParseNanAndInfFlag and kParseStopWhenDoneFlag.
"""
