"""The rules by family: each looks at the capture alone and may blame one step of it."""
