"""What waits for whom 工作台: tasks that rooms open and close, and the notices that tell people of them."""
