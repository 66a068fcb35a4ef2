"""Controlled documents 受控文件: from draft to withdrawal."""
